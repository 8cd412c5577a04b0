namespace Sluice.Server.Tests.Scripted;

/// <summary>A wait for what a broken server would never do ends in a failure, and does not hang the run.</summary>
internal static class Patience
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    public static Task For(Task task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static Task<T> For<T>(Task<T> task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);
}
