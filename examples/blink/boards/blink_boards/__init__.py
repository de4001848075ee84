"""Three boards for one component: each class has the functions of `acme:gpio/pins`."""
