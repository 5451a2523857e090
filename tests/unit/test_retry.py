from checkout.webhooks.retry import DELAYS, next_attempt_at


def test_ten_tries_over_about_three_days() -> None:
    assert len(DELAYS) + 1 == 10
    assert 3 <= sum(DELAYS) / 86400 < 3.5


def test_each_delay_has_at_most_a_fifth_of_jitter_and_is_not_always_the_same() -> None:
    for tries, delay in enumerate(DELAYS, 1):
        moments = {next_attempt_at(tries, 0) for _ in range(50)}
        assert len(moments) > 1
        assert all(0.8 * delay - 1 <= moment <= 1.2 * delay + 1 for moment in moments if moment)


def test_after_the_last_try_there_is_none() -> None:
    assert next_attempt_at(len(DELAYS), 0) is not None
    assert next_attempt_at(len(DELAYS) + 1, 0) is None
