<?php

declare(strict_types=1);

namespace PayGate\Model;

/** Has all fields that the API sent as properties, also those that are not declared. */
class ApiObject implements \JsonSerializable
{
    /** @var array<string, class-string<ApiObject>> the classes of fields that are objects */
    protected const NESTED = [];

    /** @var array<string, mixed> */
    private array $fields = [];

    /** @param array<mixed> $fields */
    final public function __construct(array $fields)
    {
        foreach ($fields as $name => $value) {
            $this->fields[(string) $name] = is_array($value)
                ? $this->convert((string) $name, $value)
                : $value;
        }
    }

    public function __get(string $name): mixed
    {
        if (!array_key_exists($name, $this->fields)) {
            throw new \LogicException(static::class . " has no field $name.");
        }
        return $this->fields[$name];
    }

    public function __isset(string $name): bool
    {
        return isset($this->fields[$name]);
    }

    /** @return array<string, mixed> */
    public function jsonSerialize(): array
    {
        return $this->fields;
    }

    /** @return array<string, mixed> */
    public function __debugInfo(): array
    {
        return isset($this->fields['secret']) ? ['secret' => '***'] + $this->fields : $this->fields;
    }

    /**
     * @param array<mixed> $value
     * @return ApiObject|array<mixed>
     */
    protected function convert(string $name, array $value): ApiObject|array
    {
        $class = static::NESTED[$name] ?? null;
        if ($class === null) {
            return $value;
        }
        if (!array_is_list($value)) {
            return new $class($value);
        }
        return array_map(static fn (mixed $each): ApiObject => new $class((array) $each), $value);
    }
}
