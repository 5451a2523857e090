<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * `object` is a Session, Payment or Refund, by the type of the event.
 *
 * @property-read Session|Payment|Refund $object
 */
class EventData extends ApiObject
{
    protected function convert(string $name, array $value): ApiObject|array
    {
        return match ($value['object'] ?? null) {
            'checkout.session' => new Session($value),
            'payment' => new Payment($value),
            'refund' => new Refund($value),
            default => new ApiObject($value),
        };
    }
}
