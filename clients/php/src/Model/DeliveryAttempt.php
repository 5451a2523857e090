<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * @property-read string $at
 * @property-read int $duration_ms
 * @property-read int|null $status
 * @property-read string|null $error
 * @property-read string|null $answer
 */
class DeliveryAttempt extends ApiObject
{
}
