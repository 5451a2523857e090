<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * @property-read string $object
 * @property-read string $event
 * @property-read string $webhook
 * @property-read string $state
 * @property-read string|null $next_attempt_at
 * @property-read int $attempt_count
 * @property-read list<DeliveryAttempt> $attempts
 */
class Delivery extends ApiObject
{
    protected const NESTED = ['attempts' => DeliveryAttempt::class];
}
