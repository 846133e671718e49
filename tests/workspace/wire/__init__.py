"""HTTP/1.1 as the stand-in speaks it: requests, replies, routes, listeners."""
