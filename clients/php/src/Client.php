<?php

declare(strict_types=1);

namespace PayGate;

use PayGate\Exception\PayGateException;
use PayGate\Resource\Checkout;
use PayGate\Resource\Customers;
use PayGate\Resource\Events;
use PayGate\Resource\Payments;
use PayGate\Resource\Refunds;
use PayGate\Resource\Sessions;
use PayGate\Resource\Webhooks;

/** PayGate's API. The secret key and the base URL may come from the environment. */
final class Client
{
    public readonly Checkout $checkout;
    public readonly Customers $customers;
    public readonly Payments $payments;
    public readonly Refunds $refunds;
    public readonly Webhooks $webhooks;
    public readonly Events $events;

    /**
     * @param string|null $secretKey PAYGATE_SECRET_KEY by default
     * @param string|null $baseUrl PAYGATE_BASE_URL by default
     * @param float $timeout in seconds, for each attempt
     * @param (\Closure(Request): Answer)|null $send replaces ext-curl, in tests
     * @param (\Closure(float): void)|null $sleep replaces the wait before a retry, in tests
     */
    public function __construct(
        ?string $secretKey = null,
        ?string $baseUrl = null,
        float $timeout = 30.0,
        int $maxRetries = 2,
        ?\Closure $send = null,
        ?\Closure $sleep = null,
    ) {
        $key = $secretKey ?? (string) getenv('PAYGATE_SECRET_KEY');
        if ($key === '') {
            throw new PayGateException('The secret key is missing: pass it, or set PAYGATE_SECRET_KEY.');
        }
        $url = $baseUrl ?? (string) getenv('PAYGATE_BASE_URL');
        if ($url === '') {
            throw new PayGateException('The base URL is missing: pass baseUrl, or set PAYGATE_BASE_URL.');
        }
        $transport = new Transport(
            $key,
            rtrim($url, '/'),
            $maxRetries,
            $send ?? (new Curl($timeout))->__invoke(...),
            $sleep ?? self::sleep(...),
        );
        $this->checkout = new Checkout(new Sessions($transport));
        $this->customers = new Customers($transport);
        $this->payments = new Payments($transport);
        $this->refunds = new Refunds($transport);
        $this->webhooks = new Webhooks($transport);
        $this->events = new Events($transport);
    }

    private static function sleep(float $seconds): void
    {
        usleep((int) ($seconds * 1_000_000));
    }
}
