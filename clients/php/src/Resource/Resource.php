<?php

declare(strict_types=1);

namespace PayGate\Resource;

use PayGate\Answer;
use PayGate\Exception\PayGateException;
use PayGate\Model\ApiObject;
use PayGate\Page;
use PayGate\Transport;

abstract class Resource
{
    public function __construct(private readonly Transport $transport)
    {
    }

    /**
     * @template T of ApiObject
     * @param class-string<T> $class
     * @param array<string, mixed> $params
     * @return T
     */
    protected function send(string $method, string $path, string $class, array $params = []): ApiObject
    {
        return new $class($this->transport->send($method, $path, $params)->json() ?? []);
    }

    /**
     * The objects of an answer that is a list of one page.
     *
     * @template T of ApiObject
     * @param class-string<T> $class
     * @param array<string, mixed> $params
     * @return list<T>
     */
    protected function sendForList(string $method, string $path, string $class, array $params): array
    {
        return self::objects($this->transport->send($method, $path, $params), $class);
    }

    /**
     * @template T of ApiObject
     * @param class-string<T> $class
     * @param array<string, mixed> $params
     * @return Page<T>
     */
    protected function page(string $path, string $class, array $params = []): Page
    {
        $answer = $this->transport->send('GET', $path, $params);
        $load = fn (string $cursor): Page => $this->page(
            $path,
            $class,
            ['starting_after' => $cursor] + $params,
        );
        $data = self::objects($answer, $class);
        return new Page($data, self::nextCursor($answer, $data), $load);
    }

    /** The path with an id at its end. An empty id would be the address of the list. */
    protected static function path(string $path, string $id): string
    {
        if ($id === '') {
            throw new PayGateException('The id must be a non-empty string.');
        }
        return $path . '/' . rawurlencode($id);
    }

    /**
     * @template T of ApiObject
     * @param class-string<T> $class
     * @return list<T>
     */
    private static function objects(Answer $answer, string $class): array
    {
        $objects = [];
        foreach ((array) ($answer->json()['data'] ?? []) as $each) {
            $objects[] = new $class((array) $each);
        }
        return $objects;
    }

    /**
     * A page may end early, even empty, so its last object is not always the next page's cursor.
     *
     * @param list<ApiObject> $data
     */
    private static function nextCursor(Answer $answer, array $data): ?string
    {
        if (($answer->json()['has_more'] ?? false) !== true) {
            return null;
        }
        $last = $data === [] ? null : $data[array_key_last($data)]->__get('id');
        return $answer->header('next-cursor') ?? (is_string($last) ? $last : null);
    }
}
