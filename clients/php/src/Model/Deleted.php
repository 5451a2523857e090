<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * @property-read string $id
 * @property-read string $object
 * @property-read bool $deleted
 */
class Deleted extends ApiObject
{
}
