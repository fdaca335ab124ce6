"""A sound in a drawn row: wave and log-mel, and the seconds that mattered."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plait.core.contract import Table
from plait.data.read import read
from plait.draw.page import WIDTH, Page
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.audio.row import draw_row, draw_share, draw_wave, row_height, row_part, share_height


@pytest.fixture
def page() -> Page:
    figure = Figure((WIDTH, 6.0), dpi=60)
    FigureCanvasAgg(figure)
    return Page(figure)


def words(page: Page) -> list[str]:
    return [text.get_text() for text in page.figure.texts]


def test_a_row_has_its_sound_or_the_reason_why_not(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(8000, 0.25), 8000)
    table = read({"s": ["a.wav", None, "gone.wav"]}, folder=tmp_path)
    prep = AudioPrep(sample_rate=4000).fitted([(np.ones((8000, 1), np.float32), 8000)])
    whole, blank, broken = (row_part(table.take([row]), ["s"], prep) for row in range(3))
    samples, rate = whole["before"]
    assert (samples.shape, rate, whole["after"].shape) == ((8000, 1), 8000, (64, 101))
    steps = [(name, hertz) for name, _, hertz in whole["steps"]]
    assert steps == [("as it came", 8000), ("offset taken off", 8000), ("resample to 4000 Hz", 4000)]
    assert blank == {"reason": "blank"}
    assert broken == {"reason": "file not found: gone.wav"}


def test_sounds_given_as_arrays_have_the_rate_that_the_table_tells() -> None:
    table = Table({"s": np.ones((1, 500), np.float32)}, sample_rates={"s": 1000})
    prep = AudioPrep().fitted([(np.ones((500, 1), np.float32), 1000)])
    assert row_part(table, ["s"], prep)["before"][1] == 1000


def test_no_peak_of_a_long_wave_is_lost(page: Page) -> None:
    samples = np.zeros(100_000)
    samples[54_321], samples[54_400] = 0.9, -0.8
    axes = page.axes(1, 1, 4, 1)
    draw_wave(axes, samples, 8000, "black")
    outline = axes.collections[0].get_paths()[0].vertices
    assert (outline[:, 1].max(), outline[:, 1].min()) == (0.9, -0.8)
    peak = outline[outline[:, 1].argmax(), 0]
    assert peak == pytest.approx(54_321 / 8000, abs=100_000 / 800 / 8000)  # within its slice of 800
    assert axes.get_ylim() == pytest.approx((-1.08 * 0.9, 1.08 * 0.9))


def test_channels_are_drawn_as_their_mean_and_silence_can_be_drawn(page: Page) -> None:
    axes = page.axes(1, 1, 4, 1)
    draw_wave(axes, np.tile([0.2, 0.6], (50, 1)), 8000, "black")
    assert axes.get_ylim()[1] == pytest.approx(1.08 * 0.4)
    draw_wave(axes, np.zeros(0), 8000, "black")
    assert axes.get_ylim()[1] == pytest.approx(1.08e-4)


def test_the_first_and_the_last_step_are_drawn_over_the_same_seconds(page: Page) -> None:
    waves = [("as it came", np.ones((8000, 2)), 8000), ("mono", np.ones(8000), 8000), ("trim", np.ones(2000), 8000)]
    draw_row(page, {"steps": waves, "after": np.ones((16, 21))}, 0.5, row_height({}))
    said = words(page)
    assert "as it came, 8,000 Hz, 2 channels" in said
    assert "mono → trim, 8,000 Hz" in said
    assert "log-mel spectrogram, 16 mels × 21 frames" in said
    assert [axes.get_xlim() for axes in page.figure.axes[:2]] == [(0, 1), (0, 1)]


def test_low_mels_stand_below_high_ones(page: Page) -> None:
    mel = np.zeros((4, 6))
    mel[0] = 1.0
    draw_row(page, {"before": (np.ones(100), 8000), "after": mel}, 0.5, row_height({}))
    image = page.figure.axes[-1].images[0]
    assert image.origin == "lower"
    assert image.get_array()[0].tolist() == [1.0] * 6


def explained(**others: Any) -> dict[str, Any]:
    heat = np.zeros((8, 10))
    heat[4, 5] = 1.0
    return {
        "before": (np.ones(8000), 8000),
        "after": np.ones((8, 10)),
        "heat": heat,
        "box": (0.0, 150.5, 1.0, 2840.0),  # seconds and mels: 100 Hz to 8,000 Hz
        "parts": [{"start": 0.0, "end": 0.5, "weight": 0.4}, {"start": 0.5, "end": 0.75, "weight": -0.1}],
        **others,
    }


def test_pieces_of_the_sound_are_bars_over_their_seconds(page: Page) -> None:
    part = explained()
    draw_share(page, part, 0.5, share_height(part))
    bars = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in page.figure.axes[1].patches]
    assert bars == [(0.0, 0.5, 0.4), (0.5, 0.25, -0.1)]
    assert page.figure.axes[1].get_xlim() == (0, 1)


def test_the_spectrogram_has_hertz_in_their_places(page: Page) -> None:
    part = explained(box=(0.0, 401.0, 1.0, 1000.0))
    draw_share(page, part, 0.5, share_height(part))
    axes = page.figure.axes[2]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["300", "1,000"]
    assert axes.get_yticks() == pytest.approx([401.97, 999.99], abs=0.01)  # 2595 log10(1 + f / 700)
    assert axes.get_ylim() == (401.0, 1000.0)


def test_a_flat_answer_has_no_heat_and_no_plot_without_a_bar(page: Page) -> None:
    draw_share(page, explained(flat=True), 0.5, share_height({}))
    assert words(page)[-1] == "spectrogram, Hz over seconds: no place changes the answer much"
    assert "wave over seconds: no piece changes the answer much" in words(page)
    assert [len(axes.images) for axes in page.figure.axes] == [0, 1]
