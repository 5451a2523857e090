<?php

declare(strict_types=1);

namespace PayGate\Exception;

class RateLimitException extends ApiException
{
}
