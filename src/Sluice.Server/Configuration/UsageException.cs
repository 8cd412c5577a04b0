namespace Sluice.Server.Configuration;

/// <summary>Something that the operator wrote cannot be; the message is one sentence that says what to write instead. Ends the process with <see cref="ExitCode"/>.</summary>
internal sealed class UsageException(string message) : Exception(message)
{
    public const int ExitCode = 2;
}
