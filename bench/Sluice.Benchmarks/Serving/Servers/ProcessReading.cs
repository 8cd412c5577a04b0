using System.Globalization;
using System.Net.NetworkInformation;

namespace Sluice.Benchmarks.Serving.Servers;

/// <summary>What Linux says about a process at a moment (proc(5)).</summary>
/// <param name="CpuSeconds">Time that its threads have run, in user and kernel mode.</param>
/// <param name="EngineSeconds">Of that, the time of the threads that compute, by Sluice's names for them.</param>
/// <param name="ResidentBytes">Its memory that is in RAM.</param>
internal readonly record struct ProcessReading(double CpuSeconds, double EngineSeconds, long ResidentBytes)
{
    // USER_HZ, which Linux has kept at 100 on every architecture that .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>The time of the threads that do not compute; NaN where the computing ones have no names to know them by.</summary>
    public double ServingSeconds => EngineSeconds > 0 ? CpuSeconds - EngineSeconds : double.NaN;

    /// <summary>null where there is no such process any more.</summary>
    public static ProcessReading? Take(int pid)
    {
        try
        {
            var engine = 0.0;
            foreach (var thread in Directory.EnumerateDirectories($"/proc/{pid}/task"))
            {
                if (IsEngine(thread))
                    engine += CpuSecondsOf(thread);
            }

            var pages = long.Parse(File.ReadAllText($"/proc/{pid}/statm").Split(' ')[1], CultureInfo.InvariantCulture);
            return new ProcessReading(CpuSecondsOf($"/proc/{pid}"), engine, pages * Environment.SystemPageSize);
        }
        catch (IOException)
        {
            return null;
        }
    }

    public static ProcessReading operator -(ProcessReading later, ProcessReading earlier)
        => new(later.CpuSeconds - earlier.CpuSeconds, later.EngineSeconds - earlier.EngineSeconds, later.ResidentBytes - earlier.ResidentBytes);

    /// <summary>The process of this machine that listens at a port; null where there is none that we may look at.</summary>
    public static int? FindListener(int port)
    {
        if (!IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(endPoint => endPoint.Port == port))
            return null;

        var sockets = File.ReadLines("/proc/net/tcp").Concat(File.Exists("/proc/net/tcp6") ? File.ReadLines("/proc/net/tcp6") : [])
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields.Length > 9 && fields[3] == "0A" && fields[1].EndsWith($":{port:X4}", StringComparison.Ordinal))
            .Select(fields => $"socket:[{fields[9]}]")
            .ToHashSet(StringComparer.Ordinal);
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && HasSocket(process, sockets))
                return pid;
        }

        return null;
    }

    private static bool HasSocket(string process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles(process + "/fd").Any(file => new FileInfo(file).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool IsEngine(string thread)
    {
        var name = File.ReadAllText(thread + "/comm");
        return name.StartsWith("Sluice engine", StringComparison.Ordinal) || name.StartsWith("sluice worker", StringComparison.Ordinal);
    }

    /// <summary>utime and stime; they are the 14th and 15th field, and the second, a name in parentheses, can have spaces.</summary>
    private static double CpuSecondsOf(string folder)
    {
        var stat = File.ReadAllText(folder + "/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }
}
