<?php

declare(strict_types=1);

// As Composer loads the classes, without Composer.
spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'PayGate\\')) {
        require __DIR__ . '/../src/' . strtr(substr($class, strlen('PayGate\\')), '\\', '/') . '.php';
    }
});
