<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * The request that caused an event; nulls if a timer did.
 *
 * @property-read string|null $id
 * @property-read string|null $idempotency_key
 */
class EventRequest extends ApiObject
{
}
