"""Sources of configuration values: static, environment, and layers of them."""
