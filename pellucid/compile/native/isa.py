"""Instruction sets: the properties of a target that the shape of the code depends on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Isa:
    """A target of the compiler.

    name:      "avx512", "avx2", "sse2" or "neon".
    triple, cpu, features: as LLVM writes them.
    lanes:     float32 elements in a vector register. registers: vector registers.
    """

    name: str
    triple: str
    cpu: str
    features: str
    lanes: int
    registers: int

    @property
    def clock(self) -> str:
        """The LLVM intrinsic that counts time at a constant rate."""
        steady = self.triple.startswith(("aarch64", "arm64"))
        return "llvm.readsteadycounter" if steady else "llvm.readcyclecounter"

    @property
    def pause(self) -> str:
        """The LLVM call that relaxes the processor in a spinning loop; empty if there is none."""
        if self.triple.startswith("x86_64"):
            return "call void @llvm.x86.sse2.pause()"
        if self.triple.startswith(("aarch64", "arm64")):
            return "call void @llvm.aarch64.hint(i32 1)"
        return ""


_KNOWN = {
    "avx512": Isa(
        "avx512",
        "x86_64-unknown-linux-gnu",
        "skylake-avx512",
        "-prefer-256-bit",
        16,
        32,
    ),
    "avx2": Isa("avx2", "x86_64-unknown-linux-gnu", "haswell", "", 8, 16),
    "sse2": Isa("sse2", "x86_64-unknown-linux-gnu", "x86-64", "", 4, 16),
    "neon": Isa("neon", "aarch64-unknown-linux-gnu", "neoverse-n1", "", 4, 32),
}
_AVX512 = ("avx512f", "avx512bw", "avx512dq", "avx512vl")


def isa_named(name: str) -> Isa:
    """A target by name; its code can be compiled, though not run, on any machine."""
    if name not in _KNOWN:
        raise ValueError(f"there is no target {name!r}; there are {', '.join(_KNOWN)}")
    return _KNOWN[name]


@cache
def host_isa() -> Isa:
    """The target of the machine that this process runs on."""
    import llvmlite.binding as llvm

    triple = llvm.get_process_triple()
    cpu = llvm.get_host_cpu_name()
    available = llvm.get_host_cpu_features()
    features = available.flatten()
    if triple.startswith(("aarch64", "arm64")):
        return Isa("neon", triple, cpu, features, 4, 32)
    if all(available.get(name) for name in _AVX512) and available.get("fma"):
        # By default LLVM uses half of each register on these processors.
        return Isa("avx512", triple, cpu, f"{features},-prefer-256-bit", 16, 32)
    if available.get("avx2") and available.get("fma"):
        return Isa("avx2", triple, cpu, features, 8, 16)
    return Isa("sse2", triple, cpu, features, 4, 16)
