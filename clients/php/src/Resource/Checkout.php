<?php

declare(strict_types=1);

namespace PayGate\Resource;

final class Checkout
{
    public function __construct(public readonly Sessions $sessions)
    {
    }
}
