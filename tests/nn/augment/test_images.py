"""Augmentation of images against PyTorch, NumPy and what each layer promises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Array, Tensor
from pellucid.nn.augment import rand_augment as ra
from pellucid.nn.augment.affine import Affine, sample
from pellucid.nn.augment.colour import contrasted, grey, saturated
from tests.by_torch import ByTorch, F, torch
from tests.nn.peers import check_native
from tests.nn.support import check_by_differences

RNG = np.random.default_rng(12)
IMAGES = RNG.random((4, 6, 7, 3))

LAYERS: dict[str, Callable[[], nn.Module]] = {
    "affine": lambda: nn.RandomAffine(rotate=30, translate=0.2, scale=0.3, shear=10, fill=0.5),
    "crop": lambda: nn.RandomCrop(2),
    "smaller crop": lambda: nn.RandomCrop(1, (5, 4), fill=0.25),
    "flip": lambda: nn.RandomFlip(vertical=True),
    "colour": nn.ColourJitter,
    "cutout": lambda: nn.Cutout(3),
    "erase": lambda: nn.RandomErase(0.7),
    "mixup": nn.Mixup,
    "cutmix": nn.CutMix,
    "rand augment": lambda: nn.RandAugment(2, 12),
}


def trained(layer: nn.Module, x: Array, step: int = 0, seed: int = 3) -> Array:
    with nn.training(seed=seed, step=step):
        return layer(x).numpy()


@pytest.mark.parametrize("name", LAYERS)
def test_draws_in_training_only_and_reproducibly(name: str) -> None:
    layer, x = LAYERS[name](), IMAGES.astype(np.float32)
    first = trained(layer, x)
    np.testing.assert_array_equal(trained(layer, x), first)
    assert np.isfinite(first).all() and first.dtype == np.float32
    assert any((trained(layer, x, step) != first).any() for step in range(1, 4))
    assert any((trained(layer, x, seed=seed) != first).any() for seed in range(4, 7))
    still = layer(x).numpy()
    if name == "smaller crop":
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=0.25)
        np.testing.assert_array_equal(still, padded[:, 1:6, 2:6])
    else:
        np.testing.assert_array_equal(still, x)


@pytest.mark.parametrize("name", LAYERS)
def test_runs_natively(name: str) -> None:
    check_native(nn.Sequential(LAYERS[name](), nn.Flatten(), nn.Linear(2)), IMAGES)


@pytest.mark.parametrize("name", LAYERS)
def test_runs_in_float64_and_on_one_image(name: str) -> None:
    assert trained(LAYERS[name](), IMAGES[:1]).dtype == np.float64


# -- the sampler ---------------------------------------------------------------------------------


def matrices() -> Array:
    """Of an image turned, sheared, scaled and moved; of one left alone; of one far away."""
    turned = [[1.2, -0.4, 0.7], [0.5, 0.8, -1.3]]
    return np.array(
        [turned, [[1, 0, 0], [0, 1, 0]], [[1, 0, 40], [0, 1, 0]], [[-1, 0, 0.5], [0, 2, 0]]]
    )


def sampled(x: Tensor, at: Array, fill: float = 0.0) -> Tensor:
    parts = [g.tensor(at[:, i, j]) for i, j in ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (1, 2))]
    return sample(x, Affine(*parts), fill)


def test_the_sampler_is_torchs_grid_sample(by_torch: ByTorch) -> None:
    at = matrices()
    height, width = IMAGES.shape[1:3]
    # PyTorch counts from −1 to 1 over each side.
    scale = np.array([[1, height / width, 2 / width], [width / height, 1, 2 / height]])

    def peer(x: torch.Tensor, at: torch.Tensor) -> list[torch.Tensor]:
        grid = F.affine_grid(at, [4, 3, height, width], align_corners=False)
        return [F.grid_sample(x.movedim(-1, 1), grid, align_corners=False).movedim(1, -1)]

    for fill in (0.0, 0.5):
        found = sampled(g.tensor(IMAGES), at, fill).numpy()
        (expected,) = by_torch(peer, IMAGES - fill, at * scale, whole=True)
        np.testing.assert_allclose(found, expected.array + fill, rtol=1e-9, atol=1e-9)


def test_the_samplers_gradient() -> None:
    at = matrices()
    check_by_differences(lambda x: sampled(x, at).square(), IMAGES)


def test_an_affine_map_of_nothing_is_the_image() -> None:
    np.testing.assert_allclose(trained(nn.RandomAffine(), IMAGES), IMAGES, atol=1e-6)


def moments(x: Array) -> tuple[float, float, float]:
    """Mass, centre along x and centre along y of one image with one channel."""
    mass = x.sum()
    places = np.indices(x.shape[:2])
    return mass, (x[..., 0] * places[1]).sum() / mass, (x[..., 0] * places[0]).sum() / mass


def blob() -> Array:
    """A smooth spot, off the centre of an image of 41 by 41."""
    y, x = np.indices((41, 41))
    return np.exp(-((x - 26) ** 2 + (y - 20) ** 2) / 8)[None, ..., None].repeat(40, 0)


def test_rotation_keeps_the_distance_from_the_centre_and_the_range_of_angles() -> None:
    angles = []
    for image in trained(nn.RandomAffine(rotate=30), blob()):
        mass, x, y = moments(image)
        assert mass == pytest.approx(blob()[0].sum(), rel=1e-3)
        assert np.hypot(x - 20, y - 20) == pytest.approx(6, rel=1e-3)
        angles.append(np.degrees(np.arctan2(y - 20, x - 20)))
    assert -30 <= min(angles) < -15 and 15 < max(angles) <= 30


def test_translation_scale_and_shear_stay_in_their_ranges() -> None:
    moved = np.array([moments(i)[1:] for i in trained(nn.RandomAffine(translate=0.1), blob())])
    far = moved - (26, 20)
    assert (np.abs(far) <= 4.1 + 1e-3).all() and (np.abs(far).max(0) > 2.5).all()
    masses = [moments(i)[0] for i in trained(nn.RandomAffine(scale=0.2), blob())]
    sizes = np.sqrt(np.array(masses) / blob()[0].sum())
    assert (sizes > 0.8 - 1e-3).all() and (sizes < 1.2 + 1e-3).all()
    assert sizes.min() < 0.9 and sizes.max() > 1.1
    heights = np.array([moments(i)[2] for i in trained(nn.RandomAffine(shear=20), blob())]) - 20
    limit = 6 * np.tan(np.radians(20)) * 1.2
    assert (np.abs(heights) < limit).all() and np.abs(heights).max() > limit / 3


def test_moves_are_of_the_new_image_however_it_is_scaled() -> None:
    for image in trained(nn.RandomAffine(translate=0.1, scale=0.5), blob()):
        mass, x, _ = moments(image)
        size = np.sqrt(mass / blob()[0].sum())
        assert abs(x - 20 - 6 * size) <= 4.1 + 0.05


# -- crop and flip -------------------------------------------------------------------------------


@pytest.mark.parametrize(("padding", "size"), [(2, None), (0, (4, 5)), (1, (8, 3)), (1, (8, 9))])
def test_a_crop_is_one_of_the_windows(padding: int, size: tuple[int, int] | None) -> None:
    x = np.repeat(IMAGES[:1], 60, 0)
    height, width = size or x.shape[1:3]
    padded = np.pad(x[0], ((padding,) * 2, (padding,) * 2, (0, 0)), constant_values=0.5)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width, 3))
    windows = windows.reshape(-1, height, width, 3)
    found = trained(nn.RandomCrop(padding, size, fill=0.5), x)
    which = [np.flatnonzero((windows == y).all((1, 2, 3))) for y in found]
    assert all(len(places) == 1 for places in which)
    seen = len({int(places[0]) for places in which})
    assert seen == 1 if len(windows) == 1 else seen > len(windows) // 2


def test_flips_mirror_some_of_the_images() -> None:
    x = np.repeat(IMAGES[:1], 80, 0)
    found = trained(nn.RandomFlip(vertical=True), x)
    kinds = [x[0], x[0, :, ::-1], x[0, ::-1], x[0, ::-1, ::-1]]
    counts = [sum(bool((y == kind).all()) for y in found) for kind in kinds]
    assert sum(counts) == 80 and min(counts) > 8
    np.testing.assert_array_equal(trained(nn.RandomFlip(probability=1.0), x), x[:, :, ::-1])
    np.testing.assert_array_equal(trained(nn.RandomFlip(probability=0.0), x), x)


# -- colour --------------------------------------------------------------------------------------


def test_colour_changes_are_those_of_the_formulas() -> None:
    x = g.tensor(IMAGES)
    factor = g.tensor(np.array([0.5, 1.5, 0.0, 1.0])).reshape(4, 1, 1, 1)
    f = factor.numpy()
    luma = IMAGES @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(grey(x).numpy()[..., 0], luma, rtol=1e-6)
    mean = luma.mean((1, 2))[:, None, None, None]
    expected = np.clip(mean + f * (IMAGES - mean), 0, 1)
    np.testing.assert_allclose(contrasted(x, factor).numpy(), expected, rtol=1e-6)
    expected = np.clip(luma[..., None] + f * (IMAGES - luma[..., None]), 0, 1)
    np.testing.assert_allclose(saturated(x, factor).numpy(), expected, rtol=1e-6, atol=1e-9)


def test_brightness_draws_from_its_range() -> None:
    x = np.full((200, 2, 2, 1), 0.5)
    found = trained(nn.ColourJitter(0.4, 0, 0), x)[:, 0, 0, 0] / 0.5
    assert 0.6 <= found.min() < 0.7 and 1.3 < found.max() <= 1.4 and abs(found.mean() - 1) < 0.05
    bright = trained(nn.ColourJitter(5.0, 0, 0), x)
    assert bright.min() >= 0 and bright.max() == 1


def test_grey_images_have_no_saturation() -> None:
    x = IMAGES[..., :1]
    np.testing.assert_array_equal(trained(nn.ColourJitter(0, 0, 0.9), x), x)


# -- erasing -------------------------------------------------------------------------------------


def erased_box(y: Array) -> tuple[int, int] | None:
    """Height and width of the box of zeros in an image of ones, None if there is none."""
    hole = y[..., 0] == 0
    if not hole.any():
        return None
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    box = hole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert box.all() and hole.sum() == box.size
    return box.shape[0], box.shape[1]


def test_cutout_is_a_square_cut_off_at_the_borders() -> None:
    sizes = [erased_box(y) for y in trained(nn.Cutout(4), np.ones((300, 10, 12, 2)))]
    whole = sum(size == (4, 4) for size in sizes)
    # A centre is 2 or more from the top and left and 1 or more from the bottom and right.
    assert abs(whole / 300 - (7 / 10) * (9 / 12)) < 0.1
    assert all(size is not None and 2 <= min(size) and max(size) <= 4 for size in sizes)


def test_erased_boxes_have_the_area_and_shape_asked_for() -> None:
    layer = nn.RandomErase(0.5, smallest=0.1, largest=0.3, aspect=2.0)
    sizes = [erased_box(y) for y in trained(layer, np.ones((400, 40, 40, 1)))]
    boxes = np.array([size for size in sizes if size is not None], float)
    assert abs(len(boxes) / 400 - 0.5) < 0.1
    area, ratio = boxes.prod(1) / 1600, boxes[:, 0] / boxes[:, 1]
    assert 0.08 < area.min() < 0.15 and 0.25 < area.max() <= 0.3
    assert 0.45 < ratio.min() < 0.7 and 1.5 < ratio.max() < 2.2


def test_a_box_is_never_longer_than_the_image() -> None:
    layer = nn.RandomErase(1.0, smallest=0.9, largest=1.0, aspect=9.0)
    assert all(erased_box(y) is not None for y in trained(layer, np.ones((50, 5, 8, 1))))


# -- RandAugment ---------------------------------------------------------------------------------


def test_all_changes_of_rand_augment_are_drawn() -> None:
    x = np.repeat(IMAGES[:1], 400, 0)
    found = trained(nn.RandAugment(1, 15), x).reshape(400, -1)
    kinds = np.unique(found.round(9), axis=0)
    still = (np.abs(found - x.reshape(400, -1)) < 1e-12).all(1).mean()
    # Thirteen changes; nine have two signs; identity looks alike.
    assert 20 <= len(kinds) <= 22
    assert abs(still - 1 / 13) < 0.04
    assert found.min() >= -1e-9 and found.max() <= 1 + 1e-9


def test_rand_augment_of_no_magnitude_changes_little() -> None:
    x = np.repeat(IMAGES[:1], 100, 0)
    changed = np.abs(trained(nn.RandAugment(1, 0), x) - x).max((1, 2, 3)) > 1 / 255 + 1e-6
    # Autocontrast has no strength of its own; sharpness and the others leave the image alone.
    assert changed.mean() < 0.2


def test_changes_of_value() -> None:
    x = g.tensor(IMAGES)
    bits = (IMAGES * 255).astype(int)
    np.testing.assert_allclose(ra.posterized(x, 0.5).numpy(), (bits >> 2 << 2) / 255, atol=1e-9)
    np.testing.assert_allclose(ra.posterized(x, 1.0).numpy(), (bits >> 4 << 4) / 255, atol=1e-9)
    solar = np.where(IMAGES >= 0.7, 1 - IMAGES, IMAGES)
    np.testing.assert_allclose(ra.solarized(x, 0.3).numpy(), solar, atol=1e-9)
    low, high = IMAGES.min((1, 2), keepdims=True), IMAGES.max((1, 2), keepdims=True)
    stretched = (IMAGES - low) / (high - low)
    np.testing.assert_allclose(ra.auto_contrasted(x).numpy(), stretched, atol=1e-9)
    flat = g.tensor(np.full((1, 3, 3, 1), 0.3))
    np.testing.assert_array_equal(ra.auto_contrasted(flat).numpy(), flat.numpy())


def test_sharpness_is_torchs_smoothing(by_torch: ByTorch) -> None:
    kernel = np.ones((3, 1, 3, 3))
    kernel[:, :, 1, 1] = 5

    def peer(x: torch.Tensor, kernel: torch.Tensor) -> list[torch.Tensor]:
        return [F.conv2d(x.movedim(-1, 1), kernel / 13, groups=3).movedim(1, -1)]

    (smooth,) = by_torch(peer, IMAGES, kernel)
    blurred = IMAGES.copy()
    blurred[:, 1:-1, 1:-1] = smooth.array
    factor = g.tensor(np.full((4, 1, 1, 1), 1.6))
    expected = np.clip(blurred + 1.6 * (IMAGES - blurred), 0, 1)
    np.testing.assert_allclose(ra.sharpened(g.tensor(IMAGES), factor).numpy(), expected, atol=1e-9)
    tiny = g.tensor(IMAGES[:, :2])
    assert ra.sharpened(tiny, factor).node is tiny.node


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "mixup"])
def test_what_are_no_images(name: str) -> None:
    expected = r"'a' expects \(batch, height, width, channels\), got \(batch, 7, 3\)"
    with pytest.raises(ValueError, match=expected):
        nn.Sequential(a=LAYERS[name]())(IMAGES[0])
    with pytest.raises(TypeError, match=r"takes floats, got uint8"):
        LAYERS[name]()((IMAGES * 255).astype(np.uint8))


@pytest.mark.parametrize("layer", [nn.ColourJitter(), nn.RandAugment()])
def test_channels_that_are_no_colours(layer: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"expects images of 1 or 3 channels, got .* 7, 2\)"):
        layer(IMAGES[..., :2])


def test_a_window_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"RandomCrop expects images that hold a window of 9 by 4"):
        nn.RandomCrop(1, (9, 4))(IMAGES)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: nn.RandomAffine(rotate=181), ValueError, "rotate is at least 0 and at most 180"),
        (lambda: nn.RandomAffine(scale=1), ValueError, "scale is at least 0 and less than 1"),
        (lambda: nn.RandomAffine(shear=45), ValueError, "shear is at least 0 and less than 45"),
        (lambda: nn.RandomAffine(translate=-0.1), ValueError, "translate is at least 0"),
        (lambda: nn.RandomCrop(-1), ValueError, "RandomCrop padding is at least 0, got -1"),
        (lambda: nn.RandomCrop(0.5), TypeError, "padding is an integer of at least 0, got 0.5"),  # type: ignore[arg-type]
        (lambda: nn.RandomCrop(0, (3, 0)), ValueError, r"size is \(height, width\), each at"),
        (lambda: nn.RandomCrop(0, 3), ValueError, r"size is \(height, width\)"),  # type: ignore[arg-type]
        (lambda: nn.RandomFlip(probability=2), ValueError, "probability is .* at most 1"),
        (lambda: nn.RandomFlip(horizontal=1), ValueError, "True or False"),  # type: ignore[arg-type]
        (lambda: nn.ColourJitter(-1), ValueError, "brightness is at least 0"),
        (lambda: nn.Cutout(0), ValueError, "Cutout size is at least 1"),
        (lambda: nn.RandomErase(largest=0.01), ValueError, "largest is at least 0.02"),
        (lambda: nn.RandomErase(aspect=0.5), ValueError, "aspect is at least 1"),
        (lambda: nn.RandAugment(0), ValueError, "operations is at least 1"),
        (lambda: nn.RandAugment(1, 31), ValueError, "magnitude is at least 0 and at most 30"),
    ],
)
def test_settings_out_of_range(
    make: Callable[[], nn.Module], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


@pytest.mark.parametrize("name", LAYERS)
def test_round_trip(name: str) -> None:
    layer = LAYERS[name]()
    assert repr(nn.from_spec(layer.to_spec())) == repr(layer)
