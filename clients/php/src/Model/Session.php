<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * Amounts are in pesewas, times are ISO 8601 in UTC.
 *
 * @property-read string $id
 * @property-read string $object
 * @property-read string $status
 * @property-read string $url
 * @property-read int $amount
 * @property-read string $currency
 * @property-read string|null $payment
 * @property-read string $payment_status
 * @property-read string|null $customer
 * @property-read string|null $customer_email
 * @property-read string $success_url
 * @property-read string $cancel_url
 * @property-read array<string, string> $metadata
 * @property-read string $expires_at
 * @property-read string $created_at
 * @property-read object|null $after_expiration
 * @property-read string|null $recovered_from
 */
class Session extends ApiObject
{
}
