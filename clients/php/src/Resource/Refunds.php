<?php

declare(strict_types=1);

namespace PayGate\Resource;

use PayGate\Model\Refund;
use PayGate\Page;

final class Refunds extends Resource
{
    private const PATH = '/v1/refunds';

    /**
     * @param array{
     *     payment: string,
     *     amount?: int|null,
     *     reason?: string|null,
     *     metadata?: array<string, string|int|float|bool|null>|null,
     *     idempotency_key?: string,
     * } $params
     */
    public function create(array $params): Refund
    {
        return $this->send('POST', self::PATH, Refund::class, $params);
    }

    public function retrieve(string $id): Refund
    {
        return $this->send('GET', self::path(self::PATH, $id), Refund::class);
    }

    /**
     * @param array{limit?: int, starting_after?: string, payment?: string} $params
     * @return Page<Refund>
     */
    public function list(array $params = []): Page
    {
        return $this->page(self::PATH, Refund::class, $params);
    }
}
