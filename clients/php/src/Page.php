<?php

declare(strict_types=1);

namespace PayGate;

use PayGate\Model\ApiObject;

/**
 * One page of a list. Iterating over it goes on to the following pages; `data` is this page alone.
 *
 * @template-covariant T of ApiObject
 * @implements \IteratorAggregate<int, T>
 */
final class Page implements \IteratorAggregate
{
    /**
     * @param list<T> $data
     * @param \Closure(string): Page<T> $load
     */
    public function __construct(
        public readonly array $data,
        private readonly ?string $nextCursor,
        private readonly \Closure $load,
    ) {
    }

    public function hasMore(): bool
    {
        return $this->nextCursor !== null;
    }

    /** @return Page<T>|null */
    public function nextPage(): ?Page
    {
        return $this->nextCursor === null ? null : ($this->load)($this->nextCursor);
    }

    /** @return \Generator<int, T> */
    public function getIterator(): \Generator
    {
        for ($page = $this; $page !== null; $page = $page->nextPage()) {
            foreach ($page->data as $each) {
                yield $each;
            }
        }
    }
}
