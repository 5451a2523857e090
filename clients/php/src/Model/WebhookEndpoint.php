<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * Only `create` and `rotate` answer with `secret`: store it.
 *
 * @property-read string $id
 * @property-read string $object
 * @property-read string $url
 * @property-read string|null $description
 * @property-read string $status
 * @property-read string|null $disabled_because
 * @property-read list<string> $events
 * @property-read string $secret
 * @property-read string $created_at
 */
class WebhookEndpoint extends ApiObject
{
}
