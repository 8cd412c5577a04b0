using Sluice.Engine.Kernels;
using Sluice.Engine.Models;

namespace Sluice.Engine.Tests.Models;

public sealed class RotaryPositionsTests
{
    private static readonly RotaryOptions Plain = new() { Size = 64, Pairing = RopePairing.Neighbours };

    [Fact]
    public void NoScaling_TurnsByThePublishedFrequencies()
    {
        for (var pair = 0; pair < 32; pair++)
        {
            Assert.Equal(100 * Math.Pow(10000, -2.0 * pair / 64), Angle(Plain, 100, pair), 4);
        }
    }

    [Fact]
    public void LinearScaling_DividesThePosition()
    {
        var scaled = Plain with { Scaling = RotaryScaling.Linear, Factor = 4 };

        for (var pair = 0; pair < 32; pair++)
        {
            Assert.Equal(Angle(Plain, 25, pair), Angle(scaled, 100, pair), 4);
        }
    }

    [Fact]
    public void FrequencyFactors_DivideEachPair()
    {
        var factors = Enumerable.Range(1, 32).Select(i => (float)i).ToArray();
        var scaled = Plain with { FrequencyFactors = factors };

        for (var pair = 0; pair < 32; pair++)
        {
            Assert.Equal(Angle(Plain, 100, pair) / factors[pair], Angle(scaled, 100, pair), 4);
        }
    }

    [Fact]
    public void Yarn_KeepsHighFrequenciesAndInterpolatesLowOnes()
    {
        var yarn = Plain with { Scaling = RotaryScaling.Yarn, Factor = 8, OriginalContext = 4096 };

        Assert.Equal(Angle(Plain, 3, 0), Angle(yarn, 3, 0), 4);
        Assert.Equal(Angle(Plain, 3000, 31) / 8, Angle(yarn, 3000, 31), 4);
        var between = Angle(yarn, 1, 20) / Angle(Plain, 1, 20);
        Assert.InRange(between, 1 / 8.0, 1);
    }

    [Fact]
    public void Yarn_ScalesTheMagnitudeByItsFormula()
    {
        var yarn = Plain with { Scaling = RotaryScaling.Yarn, Factor = 8, OriginalContext = 4096 };
        var (cosine, sine) = At(yarn, 5, 0);

        Assert.Equal(1 + (0.1 * Math.Log(8)), Math.Sqrt((cosine * cosine) + (sine * sine)), 5);
    }

    /// <summary>The angle, unwound by following the pair from position 0.</summary>
    private static double Angle(RotaryOptions options, int position, int pair)
    {
        var total = 0.0;
        var last = 0.0;
        for (var p = 1; p <= position; p++)
        {
            var (cosine, sine) = At(options, p, pair);
            var angle = Math.Atan2(sine, cosine);
            var step = angle - last;
            total += step < -Math.PI ? step + (2 * Math.PI) : step > Math.PI ? step - (2 * Math.PI) : step;
            last = angle;
        }

        return total;
    }

    private static (double Cosine, double Sine) At(RotaryOptions options, int position, int pair)
    {
        var rotary = new RotaryPositions(options);
        var cosines = new float[rotary.Pairs];
        var sines = new float[rotary.Pairs];
        rotary.Fill(position, cosines, sines);
        return (cosines[pair], sines[pair]);
    }
}
