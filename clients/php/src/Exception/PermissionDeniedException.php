<?php

declare(strict_types=1);

namespace PayGate\Exception;

class PermissionDeniedException extends ApiException
{
}
