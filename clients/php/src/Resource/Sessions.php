<?php

declare(strict_types=1);

namespace PayGate\Resource;

use PayGate\Model\Session;
use PayGate\Page;

final class Sessions extends Resource
{
    private const PATH = '/v1/checkout/sessions';

    /**
     * @param array{
     *     amount: int,
     *     success_url: string,
     *     cancel_url: string,
     *     currency?: string|null,
     *     customer?: string|null,
     *     customer_email?: string|null,
     *     customer_phone?: string|null,
     *     payment_method_types?: list<'card'|'mobile_money'|'bank_transfer'>|null,
     *     locale?: 'en'|'fr'|'fil'|null,
     *     metadata?: array<string, string|int|float|bool|null>|null,
     *     expires_at?: string|\DateTimeInterface|null,
     *     after_expiration?: array{recovery: array{enabled: bool}}|null,
     *     idempotency_key?: string,
     * } $params
     */
    public function create(array $params): Session
    {
        return $this->send('POST', self::PATH, Session::class, $params);
    }

    public function retrieve(string $id): Session
    {
        return $this->send('GET', self::path(self::PATH, $id), Session::class);
    }

    /**
     * @param array{limit?: int, starting_after?: string, status?: 'open'|'complete'|'expired', customer?: string, payment?: string} $params
     * @return Page<Session>
     */
    public function list(array $params = []): Page
    {
        return $this->page(self::PATH, Session::class, $params);
    }

    /**
     * @param array{idempotency_key?: string} $params
     */
    public function expire(string $id, array $params = []): Session
    {
        return $this->send('POST', self::path(self::PATH, $id) . '/expire', Session::class, $params);
    }
}
