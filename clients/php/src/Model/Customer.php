<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * @property-read string $id
 * @property-read string $object
 * @property-read string|null $email
 * @property-read string|null $name
 * @property-read string|null $phone
 * @property-read array<string, string> $metadata
 * @property-read string $created_at
 * @property-read string $updated_at
 */
class Customer extends ApiObject
{
}
