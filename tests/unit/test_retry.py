from checkout.webhooks.retry import DELAYS, next_attempt_at


def test_there_are_eleven_attempts_over_about_three_days() -> None:
    assert len(DELAYS) + 1 == 11
    assert 3 <= sum(DELAYS) / 86400 < 3.5


def test_each_delay_varies_by_at_most_a_fifth() -> None:
    for failed, delay in enumerate(DELAYS, 1):
        moments = {next_attempt_at(failed, 0) for _ in range(50)}
        assert len(moments) > 1
        assert all(0.8 * delay - 1 <= moment <= 1.2 * delay + 1 for moment in moments if moment)


def test_there_is_no_attempt_after_the_last() -> None:
    assert next_attempt_at(len(DELAYS), 0) is not None
    assert next_attempt_at(len(DELAYS) + 1, 0) is None
