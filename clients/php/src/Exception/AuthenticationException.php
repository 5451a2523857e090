<?php

declare(strict_types=1);

namespace PayGate\Exception;

class AuthenticationException extends ApiException
{
}
