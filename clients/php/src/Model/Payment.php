<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * @property-read string $id
 * @property-read string $object
 * @property-read int $amount
 * @property-read string $currency
 * @property-read string $status
 * @property-read string $payment_method
 * @property-read string|null $provider
 * @property-read string|null $phone
 * @property-read string|null $description
 * @property-read string|null $customer
 * @property-read array<string, string> $metadata
 * @property-read string $created_at
 * @property-read string $updated_at
 */
class Payment extends ApiObject
{
}
