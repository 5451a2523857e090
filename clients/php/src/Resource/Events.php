<?php

declare(strict_types=1);

namespace PayGate\Resource;

use PayGate\Model\Delivery;
use PayGate\Model\Event;
use PayGate\Model\EventResend;
use PayGate\Page;

final class Events extends Resource
{
    private const PATH = '/v1/events';

    public function retrieve(string $id): Event
    {
        return $this->send('GET', self::path(self::PATH, $id), Event::class);
    }

    /**
     * @param array{
     *     limit?: int,
     *     starting_after?: string,
     *     type?: string,
     *     checkout_session?: string,
     *     delivery_state?: 'pending'|'delivered'|'failed',
     *     created_at?: array{gte?: string|int|\DateTimeInterface, gt?: string|int|\DateTimeInterface, lte?: string|int|\DateTimeInterface, lt?: string|int|\DateTimeInterface},
     * } $params
     * @return Page<Event>
     */
    public function list(array $params = []): Page
    {
        return $this->page(self::PATH, Event::class, $params);
    }

    /**
     * One delivery for each webhook endpoint.
     *
     * @return Page<Delivery>
     */
    public function deliveries(string $id): Page
    {
        return $this->page(self::path(self::PATH, $id) . '/deliveries', Delivery::class);
    }

    /**
     * Sends an event again, to one webhook endpoint or to all that subscribe to it.
     *
     * @param array{webhook?: string} $params
     * @return list<Delivery>
     */
    public function resend(string $id, array $params = []): array
    {
        return $this->sendForList('POST', self::path(self::PATH, $id) . '/resend', Delivery::class, $params);
    }

    /**
     * Sends all events of a time range again.
     *
     * @param array{
     *     created_at: array{gte: string|int|\DateTimeInterface, lte?: string|int|\DateTimeInterface},
     *     type?: string,
     *     webhook?: string,
     *     delivery_state?: 'pending'|'delivered'|'failed',
     *     idempotency_key?: string,
     * } $params
     */
    public function resendRange(array $params): EventResend
    {
        return $this->send('POST', self::PATH . '/resend', EventResend::class, $params);
    }

    public function retrieveResend(string $id): EventResend
    {
        return $this->send('GET', self::path(self::PATH . '/resends', $id), EventResend::class);
    }
}
