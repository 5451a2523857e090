<?php

declare(strict_types=1);

namespace PayGate\Exception;

class ConnectionException extends PayGateException
{
}
