using System.Diagnostics.CodeAnalysis;

namespace Sluice.Engine.Cache;

/// <summary>How keys and values are kept between steps. They are converted once, when they are stored.</summary>
[SuppressMessage("Naming", "CA1707:Identifiers should not contain underscores", Justification = "These are the names that files and users know.")]
public enum KvType
{
    /// <summary>16-bit floats: half the memory of F32, and the precision that most models' activations have.</summary>
    F16,

    /// <summary>32-bit floats: as they were computed.</summary>
    F32,

    /// <summary>8-bit integers with a scale for 32 elements: about half the memory of F16. The head size must be a multiple of 32.</summary>
    Q8_0,
}
