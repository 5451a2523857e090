<?php

declare(strict_types=1);

namespace PayGate\Exception;

/**
 * The base of all errors of this client.
 *
 * PayGateException
 * ├── ApiException                     the API answered with an error
 * │   ├── InvalidRequestException      400, 405, 413, 422
 * │   │   ├── NotFoundException        404
 * │   │   └── ConflictException        409
 * │   │       └── IdempotencyException the key was used with another body
 * │   ├── AuthenticationException      401
 * │   ├── PermissionDeniedException    403
 * │   ├── RateLimitException           429
 * │   └── ServerException              5xx
 * ├── ConnectionException              no answer arrived
 * └── WebhookSignatureException        a webhook is not genuine
 */
class PayGateException extends \RuntimeException
{
}
