"""Parts of probes that ask for names: walks, resolvers' habits and identities, safe ways round a lie."""
