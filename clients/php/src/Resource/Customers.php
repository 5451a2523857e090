<?php

declare(strict_types=1);

namespace PayGate\Resource;

use PayGate\Model\Customer;
use PayGate\Page;

final class Customers extends Resource
{
    private const PATH = '/v1/customers';

    /**
     * @param array{
     *     email?: string|null,
     *     name?: string|null,
     *     phone?: string|null,
     *     metadata?: array<string, string|int|float|bool|null>|null,
     *     idempotency_key?: string,
     * } $params
     */
    public function create(array $params = []): Customer
    {
        return $this->send('POST', self::PATH, Customer::class, $params);
    }

    public function retrieve(string $id): Customer
    {
        return $this->send('GET', self::path(self::PATH, $id), Customer::class);
    }

    /**
     * @param array{limit?: int, starting_after?: string} $params
     * @return Page<Customer>
     */
    public function list(array $params = []): Page
    {
        return $this->page(self::PATH, Customer::class, $params);
    }
}
