"""What passes between the services, one table for each that is called: the fakes and the real ones are held to the same."""
