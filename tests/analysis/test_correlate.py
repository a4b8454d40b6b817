"""Rank correlation and its tests against values worked by hand and other libraries."""

import numpy as np
import pytest
from scipy import stats

from wordstreet.analysis.correlate import (
    all_shifts,
    estimate,
    false_discovery,
    information_coefficients,
    min_detectable,
    names,
    trailing_mean,
    why_unknown,
)

NAN = np.nan


def test_coefficient_by_hand() -> None:
    """Ranks 1 2 3 4 5 against 2 1 4 3 5: 1 - 6 * 4 / (5 * 24) = 0.8."""
    found = information_coefficients(
        np.array([[0.1, 0.2, 0.3, 0.4, 0.5]]), np.array([[0.02, 0.01, 0.04, 0.03, 0.05]])
    )

    assert found.tolist() == pytest.approx([0.8])


def test_ties_have_their_average_rank() -> None:
    """Ranks 1.5 1.5 3 4 5 against 1 2 3 4 5: 9.5 / sqrt(9.5 * 10)."""
    found = information_coefficients(
        np.array([[7.0, 7.0, 8.0, 9.0, 10.0]]), np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    )

    assert found.tolist() == pytest.approx([9.5 / np.sqrt(95)])


def test_coefficients_equal_scipys_where_both_are_known() -> None:
    """On panels with ties and holes every session agrees with scipy to the last digits."""
    rng = np.random.default_rng(3)
    signal = rng.integers(0, 6, size=(60, 14)).astype(float)
    target = rng.integers(0, 9, size=(60, 14)).astype(float)
    signal[rng.random(signal.shape) < 0.2] = NAN
    target[rng.random(target.shape) < 0.2] = NAN
    found = information_coefficients(signal, target)

    known = ~np.isnan(signal) & ~np.isnan(target)
    assert names(signal, target).tolist() == known.sum(axis=1).tolist()
    for row in range(len(signal)):
        here = known[row]
        expected = stats.spearmanr(signal[row, here], target[row, here]).statistic
        assert found[row] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        ([[1.0, 1.0, 1.0, 1.0, 1.0]], "the same for all companies"),
        ([[1.0, 2.0, 3.0, 4.0, NAN]], "never more than 4 companies"),
        ([[NAN, NAN, NAN, NAN, NAN]], "factor is not known for any company"),
    ],
)
def test_no_coefficient_has_a_reason(signal: list[list[float]], says: str) -> None:
    """A constant, a short or an empty cross-section is NaN, and why is said."""
    target = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])

    assert np.isnan(information_coefficients(np.array(signal), target)).all()
    assert says in why_unknown(np.array(signal), target)


def test_one_company_has_no_coefficient() -> None:
    """A correlation over one company is no number, however many sessions there are."""
    column = np.arange(10.0)[:, None]

    assert np.isnan(information_coefficients(column, column)).all()
    assert "never more than 1 companies" in why_unknown(column, column)


def test_trailing_mean_by_hand() -> None:
    """The mean of the last three sessions, where at least two of them are known."""
    signal = np.array([[1.0], [3.0], [NAN], [5.0], [NAN], [NAN]])
    found = trailing_mean(signal, 3)

    assert found[:, 0].tolist() == pytest.approx([NAN, 2.0, 2.0, 4.0, NAN, NAN], nan_ok=True)


def test_trailing_mean_keeps_ties() -> None:
    """Companies whose last five signals are equal stay equal, whatever came before."""
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(50, 6))
    signal[20:] = signal[20:, :1]

    assert np.isnan(
        information_coefficients(trailing_mean(signal, 5), rng.normal(size=(50, 6)))[24:]
    ).all()


def test_hodrick_by_hand() -> None:
    """The coefficient at t is of the mean of t and t-1 with the return after t, nothing else."""
    signal = np.array([[0.0, 4.0, 0.0, 0.0, 0.0], [5.0, 3.0, 3.0, 2.0, 1.0]])
    target = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [4.0, 5.0, 3.0, 2.0, 1.0]])
    found = information_coefficients(trailing_mean(signal, 2), target)

    assert np.isnan(found[0])
    assert found[1] == pytest.approx(1.0)


def test_estimate_by_hand() -> None:
    """Mean .02, sd .01 over 4 sessions: t = 4, p of Student's t with 3 degrees of freedom."""
    steps = np.array([1.0, 1.0, -1.0, -1.0]) * 0.01 * np.sqrt(3 / 4)
    found = estimate(np.concatenate([[NAN], 0.02 + steps]))

    assert found.ic == pytest.approx(0.02)
    assert found.t == pytest.approx(4.0)
    assert found.p == pytest.approx(0.02801, abs=1e-5)
    assert found.ci == pytest.approx((0.02 - 3.18245 * 0.005, 0.02 + 3.18245 * 0.005), abs=1e-6)
    assert found.n == 4


@pytest.mark.parametrize(
    ("coefficients", "p", "says"),
    [
        ([], None, "no session has an IC"),
        ([NAN, NAN], None, "no session has an IC"),
        ([0.3], None, "one session alone"),
        ([0.3, 0.3, 0.3], 0.0, "the same in every session"),
        ([0.0, 0.0], 1.0, "the same in every session"),
    ],
)
def test_estimate_without_chance_has_a_reason(
    coefficients: list[float], p: float | None, says: str
) -> None:
    """Where t would divide by nothing it is None, never NaN or infinite, and why is said."""
    found = estimate(np.array(coefficients))

    assert (found.t, found.p) == (None, p)
    assert says in (found.reason or "")


def test_all_shifts_by_hand() -> None:
    """The placebo is every rotation of the factor against the returns, the true one among them."""
    rng = np.random.default_rng(5)
    signal, target = rng.normal(size=(23, 8)), rng.normal(size=(23, 8))
    found = all_shifts(signal, target)

    means = np.array(
        [information_coefficients(signal, np.roll(target, -k, axis=0)).mean() for k in range(23)]
    )
    assert found is not None
    assert found.shifts == 23
    assert found.observed == pytest.approx(means[0])
    assert found.p == np.mean(np.abs(means) >= abs(means[0]) - 1e-9)
    assert found.quantiles[4] == pytest.approx(np.median(means))


def test_all_shifts_of_a_true_link_is_the_best() -> None:
    """When the factor is the return itself no shift does as well: p is one in all of them."""
    target = np.random.default_rng(6).normal(size=(50, 10))
    found = all_shifts(target, target)

    assert found is not None
    assert found.p == 1 / 50


def test_all_shifts_of_nothing_is_none() -> None:
    """Without a session to compare there is no placebo."""
    nothing = np.full((20, 8), NAN)

    assert all_shifts(nothing, nothing) is None
    assert all_shifts(nothing[:0], nothing[:0]) is None


def test_false_discovery_by_hand() -> None:
    """p .01 .02 .03 .5 of four tests: q .04 .04 .04 .5."""
    assert false_discovery([0.5, 0.03, 0.01, 0.02]) == pytest.approx([0.5, 0.04, 0.04, 0.04])


def test_false_discovery_equals_scipys() -> None:
    """Random families agree with scipy."""
    p = np.random.default_rng(2).random(40) ** 3

    assert false_discovery(p.tolist()) == pytest.approx(stats.false_discovery_control(p).tolist())


def test_untested_member_stays_in_the_family() -> None:
    """A test without p has no q, and counts among the four all the same."""
    assert false_discovery([0.01, None, 0.5, 0.5]) == [
        0.04,
        None,
        pytest.approx(2 / 3),
        pytest.approx(2 / 3),
    ]


def test_min_detectable_by_hand() -> None:
    """30 companies over 400 sessions: 2.8 / sqrt(400 * 29)."""
    assert min_detectable(np.full(400, 30)) == pytest.approx(2.8 / np.sqrt(400 * 29))
    assert min_detectable(np.array([], dtype=np.int64)) is None
