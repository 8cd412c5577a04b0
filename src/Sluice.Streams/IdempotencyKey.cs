namespace Sluice.Streams;

/// <summary>By which a retry of a request is known for one.</summary>
/// <param name="Value">What the client called its request.</param>
/// <param name="Fingerprint">The same for the same request; a retry must ask for the same thing.</param>
public sealed record IdempotencyKey(string Value, string Fingerprint);
