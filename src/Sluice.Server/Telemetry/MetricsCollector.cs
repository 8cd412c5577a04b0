using System.Diagnostics.Metrics;
using System.Text;

namespace Sluice.Server.Telemetry;

/// <summary>Adds up what one meter's instruments and those of the .NET runtime measure, and writes it in Prometheus' text format, version 0.0.4.</summary>
internal sealed class MetricsCollector : IDisposable
{
    /// <summary>The runtime's own meter: collections, heap, processor time, threads.</summary>
    private const string Runtime = "System.Runtime";

    private readonly Lock _gate = new();
    private readonly List<MetricFamily> _families = [];
    private readonly MeterListener _listener = new();

    public MetricsCollector(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == meter || instrument.Meter.Name == Runtime)
            {
                var family = new MetricFamily(instrument);
                lock (_gate)
                {
                    _families.Add(family);
                }

                listener.EnableMeasurementEvents(instrument, family);
            }
        };
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        _listener.Start();
    }

    /// <param name="sharedLabels">The labels that all series of the metric of this name have.</param>
    public string Write(Func<string, string> sharedLabels)
    {
        _listener.RecordObservableInstruments();
        var output = new StringBuilder();
        lock (_gate)
        {
            foreach (var family in _families)
            {
                family.WriteTo(output, sharedLabels(family.Name));
            }
        }

        return output.ToString();
    }

    public void Dispose() => _listener.Dispose();
}
