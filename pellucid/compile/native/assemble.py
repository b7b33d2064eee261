"""LLVM text to object code or assembly for a target."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pellucid.compile.native.isa import Isa

if TYPE_CHECKING:
    from llvmlite.binding import ModuleRef, TargetMachine


def to_object(text: str, isa: Isa) -> bytes:
    """Optimised object code of a module."""
    return bytes(_machine(isa).emit_object(_optimised(text, isa)))


def to_assembly(text: str, isa: Isa) -> str:
    """Optimised assembly of a module."""
    return str(_machine(isa).emit_assembly(_optimised(text, isa)))


@cache
def _initialised() -> None:
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


@cache
def _machine(isa: Isa) -> TargetMachine:
    import llvmlite.binding as llvm

    _initialised()
    target = llvm.Target.from_triple(isa.triple)
    return target.create_target_machine(cpu=isa.cpu, features=isa.features, opt=2, reloc="pic")


def _optimised(text: str, isa: Isa) -> ModuleRef:
    """The module after the few of LLVM's passes that are worth their time.

    The text is vectorised, unrolled and free of common subexpressions already. The standard
    pipelines would double the time of compiling and make the code no faster.
    """
    import llvmlite.binding as llvm

    _initialised()
    try:
        module = llvm.parse_assembly(f'target triple = "{isa.triple}"\n{text}')
        module.verify()
    except RuntimeError as error:
        raise RuntimeError(f"the compiler wrote LLVM that LLVM refuses: {error}") from error
    options = llvm.create_pipeline_tuning_options(2)
    builder = llvm.create_pass_builder(_machine(isa), options)
    passes = llvm.create_new_module_pass_manager()
    passes.add_simplify_cfg_pass()
    passes.add_instruction_combine_pass()
    passes.run(module, builder)
    return module
