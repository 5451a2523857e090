<?php

// Calls every operation of the API. The lines that it prints are compared by tests/clients/test_walks.py.

declare(strict_types=1);

use PayGate\Exception\ConflictException;
use PayGate\Exception\NotFoundException;

require __DIR__ . '/../../../clients/php/tests/autoload.php';

$paygate = new PayGate\Client();

function show(string|int|bool ...$words): void
{
    echo implode(' ', array_map(fn ($word) => is_bool($word) ? ($word ? 'true' : 'false') : $word, $words)), "\n";
}

function caught(callable $run): Throwable
{
    try {
        $run();
    } catch (Throwable $error) {
        return $error;
    }
    throw new LogicException('no error');
}

$ids = fn (array $objects): array => array_map(fn ($each) => $each->id, $objects);

$customer = $paygate->customers->create(['name' => 'Ama', 'metadata' => ['number' => '7']]);
$paygate->customers->create();
$paygate->customers->create();
show('customer', $customer->name, $customer->metadata['number'], $paygate->customers->retrieve($customer->id)->id === $customer->id);
$first = $paygate->customers->list(['limit' => 1]);
show('customers', count($first->data), iterator_count($first->getIterator()) >= 3);

$events = ['checkout.session.completed', 'checkout.session.expired'];
$endpoint = $paygate->webhooks->create(['url' => 'https://shop.example.com/hooks', 'events' => $events]);
show('webhook', implode(',', $endpoint->events), $paygate->webhooks->retrieve($endpoint->id)->status);
show('webhooks', in_array($endpoint->id, $ids($paygate->webhooks->list()->data), true));
show('updated', $paygate->webhooks->update($endpoint->id, ['description' => 'Shop'])->description);
show('cleared', $paygate->webhooks->update($endpoint->id, ['description' => null])->description ?? 'null');
$rotated = $paygate->webhooks->rotate($endpoint->id);
show('rotated', str_starts_with($rotated->secret, 'whsec_') && $rotated->secret !== $endpoint->secret);
show('sample', $paygate->webhooks->test($endpoint->id, ['type' => 'checkout.session.expired'])->type);

$order = [
    'amount' => 5000,
    'success_url' => 'https://shop.example.com/thanks',
    'cancel_url' => 'https://shop.example.com/cart',
    'customer' => $customer->id,
    'metadata' => [],
    'expires_at' => new DateTimeImmutable('+1 hour'),
    'idempotency_key' => "order-{$customer->id}",
];
$session = $paygate->checkout->sessions->create($order);
$again = $paygate->checkout->sessions->create($order);
show('session', $session->status, $session->currency, $session->amount, $again->id === $session->id);
show('retrieved', $paygate->checkout->sessions->retrieve($session->id)->customer === $customer->id);
$open = $paygate->checkout->sessions->list(['customer' => $customer->id, 'status' => 'open']);
show('sessions', iterator_count($open->getIterator()));
show('expired', $paygate->checkout->sessions->expire($session->id)->status);
$conflict = caught(fn () => $paygate->checkout->sessions->expire($session->id));
show('conflict', $conflict instanceof ConflictException, $conflict->status, $conflict->type, $conflict->errorCode, str_starts_with($conflict->requestId, 'req_'));
$missing = caught(fn () => $paygate->payments->retrieve('pay_1'));
show('missing', $missing instanceof NotFoundException, $missing->status, $missing->errorCode, $missing->param);

$paid = $paygate->checkout->sessions->retrieve((string) getenv('PAID_SESSION'));
$payment = $paygate->payments->retrieve($paid->payment);
show('payment', $payment->status, $payment->payment_method, $payment->amount);
show('payments', iterator_count($paygate->payments->list()->getIterator()) >= 1);
$refund = $paygate->refunds->create(['payment' => $payment->id, 'amount' => 100, 'reason' => 'A scratch']);
show('refund', $refund->amount, $refund->reason, $paygate->refunds->retrieve($refund->id)->id === $refund->id);
show('refunds', in_array($refund->id, $ids($paygate->refunds->list(['payment' => $payment->id])->data), true));

[$event] = $paygate->events->list(['checkout_session' => $session->id])->data;
show('event', $event->type, $event->sequence, $event->data->object->id === $session->id);
show('same event', $paygate->events->retrieve($event->id)->request->id === $event->request->id);
$resent = $paygate->events->resend($event->id, ['webhook' => $endpoint->id]);
show('resent', count($resent), $resent[0]->webhook === $endpoint->id);
[$delivery] = array_values(array_filter(
    $paygate->events->deliveries($event->id)->data,
    fn ($each) => $each->webhook === $endpoint->id,
));
show('delivery', $delivery->event === $event->id, is_array($delivery->attempts));
$since = new DateTimeImmutable('-1 minute');
$resend = $paygate->events->resendRange(['created_at' => ['gte' => $since], 'webhook' => $endpoint->id]);
show('resend', $resend->object, $paygate->events->retrieveResend($resend->id)->id === $resend->id);
show('deleted', $paygate->webhooks->delete($endpoint->id)->deleted);
