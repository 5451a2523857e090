<?php

declare(strict_types=1);

namespace PayGate\Resource;

use PayGate\Model\Deleted;
use PayGate\Model\Event;
use PayGate\Model\WebhookEndpoint;
use PayGate\Page;

final class Webhooks extends Resource
{
    private const PATH = '/v1/webhooks';

    /**
     * @param array{
     *     url: string,
     *     events: list<string>,
     *     description?: string|null,
     *     idempotency_key?: string,
     * } $params
     */
    public function create(array $params): WebhookEndpoint
    {
        return $this->send('POST', self::PATH, WebhookEndpoint::class, $params);
    }

    public function retrieve(string $id): WebhookEndpoint
    {
        return $this->send('GET', self::path(self::PATH, $id), WebhookEndpoint::class);
    }

    /**
     * @param array{limit?: int, starting_after?: string} $params
     * @return Page<WebhookEndpoint>
     */
    public function list(array $params = []): Page
    {
        return $this->page(self::PATH, WebhookEndpoint::class, $params);
    }

    /**
     * @param array{
     *     url?: string,
     *     events?: list<string>,
     *     description?: string|null,
     *     status?: 'enabled'|'disabled',
     * } $params
     */
    public function update(string $id, array $params): WebhookEndpoint
    {
        return $this->send('PATCH', self::path(self::PATH, $id), WebhookEndpoint::class, $params);
    }

    public function delete(string $id): Deleted
    {
        return $this->send('DELETE', self::path(self::PATH, $id), Deleted::class);
    }

    /**
     * A new secret. The old one signs for another 24 hours.
     *
     * @param array{idempotency_key?: string} $params
     */
    public function rotate(string $id, array $params = []): WebhookEndpoint
    {
        return $this->send('POST', self::path(self::PATH, $id) . '/rotate', WebhookEndpoint::class, $params);
    }

    /**
     * Sends a sample event.
     *
     * @param array{type?: string} $params
     */
    public function test(string $id, array $params = []): Event
    {
        return $this->send('POST', self::path(self::PATH, $id) . '/test', Event::class, $params);
    }
}
