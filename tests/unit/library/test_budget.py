"""How many exchanges are tried twice."""

import pytest

from obo_mcp.exchange.budget import RetryBudget


def test_one_retry_is_there_from_the_start_and_only_one():
    budget = RetryBudget()
    assert [budget.spend(), budget.spend()] == [True, False]


def test_five_exchanges_earn_one_retry():
    budget = RetryBudget()
    budget.spend()
    earned = []
    for _ in range(20):
        budget.earn()
        earned.append(budget.spend())
    assert earned.count(True) in {3, 4}  # twenty fifths, less what binary fractions lose
    assert earned[:4] == [False] * 4


def test_no_more_than_ten_are_saved_however_long_all_goes_well():
    budget = RetryBudget()
    for _ in range(10_000):
        budget.earn()
    assert [budget.spend() for _ in range(11)] == [True] * 10 + [False]


@pytest.mark.parametrize("exchanges", [10, 1000, 20_000])
def test_when_everything_fails_requests_stay_below_a_fifth_more(exchanges):
    budget, requests = RetryBudget(), 0
    for _ in range(exchanges):
        budget.earn()
        requests += 1 + budget.spend()
    assert requests <= 1.2 * exchanges + 1
