<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * @property-read string $id
 * @property-read string $object
 * @property-read string $type
 * @property-read string $created_at
 * @property-read EventData $data
 * @property-read int $pending_webhooks
 * @property-read string|null $checkout_session
 * @property-read int|null $sequence
 * @property-read EventRequest $request
 */
class Event extends ApiObject
{
    protected const NESTED = ['data' => EventData::class, 'request' => EventRequest::class];
}
