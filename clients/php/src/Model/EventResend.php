<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * @property-read string $id
 * @property-read string $object
 * @property-read string $status
 * @property-read int $sent_count
 * @property-read TimeRange $range
 * @property-read string|null $type
 * @property-read string|null $webhook
 * @property-read string|null $delivery_state
 * @property-read string $created_at
 * @property-read string $updated_at
 */
class EventResend extends ApiObject
{
    protected const NESTED = ['range' => TimeRange::class];
}
