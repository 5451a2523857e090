<?php

declare(strict_types=1);

namespace PayGate\Model;

/**
 * @property-read string $gte
 * @property-read string $lte
 */
class TimeRange extends ApiObject
{
}
