"""The lab's servers, sans-IO: resolvers, web sites with TLS, OONI's test helper, block pages."""
