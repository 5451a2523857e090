<?php

declare(strict_types=1);

namespace PayGate\Resource;

use PayGate\Model\Payment;
use PayGate\Page;

final class Payments extends Resource
{
    private const PATH = '/v1/payments';

    public function retrieve(string $id): Payment
    {
        return $this->send('GET', self::path(self::PATH, $id), Payment::class);
    }

    /**
     * @param array{limit?: int, starting_after?: string} $params
     * @return Page<Payment>
     */
    public function list(array $params = []): Page
    {
        return $this->page(self::PATH, Payment::class, $params);
    }
}
