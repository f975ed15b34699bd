"""How our services begin and end: nobody is refused or cut off because one of several is restarted."""
