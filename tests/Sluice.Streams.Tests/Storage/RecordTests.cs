using System.Buffers;
using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using Sluice.Streams.Storage;

namespace Sluice.Streams.Tests.Storage;

/// <summary>What is written is what is read, for whatever an event may carry now and later.</summary>
public sealed class RecordTests
{
    private static readonly MethodInfo MakeArray = typeof(ImmutableArray).GetMethods()
        .Single(method => method.Name == nameof(ImmutableArray.Create) && method.GetParameters() is [{ ParameterType.IsArray: true }]);

    public static TheoryData<Type> Kinds => [.. Subtypes(typeof(StreamEvent))];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EveryKindOfEvent_ComesBackWithAllThatItCarries(Type kind)
    {
        for (var variant = 0; variant < 4; variant++)
        {
            var written = (StreamEvent)Sample(kind, variant)!;
            var read = WriteAndRead(written, 5);
            AssertSame(written, read.Event, kind.Name);
            Assert.Equal(5, read.Number);
        }
    }

    [Fact]
    public void HeaderKeyAndPolicy_ComeBackWithAllThatTheyCarry()
    {
        for (var variant = 0; variant < 4; variant++)
        {
            var written = (OpenedRecord)Sample(typeof(OpenedRecord), variant)!;
            using var records = new RecordWriter();
            var output = new ArrayBufferWriter<byte>();
            records.Opened(output, 9, written, [4, 5, 6]);
            var (opened, request) = RecordReader.Opened(output.WrittenSpan);

            AssertSame(written, opened, "opened");
            Assert.Equal([4, 5, 6], request);
            Assert.Equal((RecordKind.Opened, 9), RecordReader.Head(output.WrittenSpan));
        }
    }

    [Fact]
    public void DeltaWithNothingButItsKind_ComesBackAsItWas()
    {
        var read = (StreamDelta)WriteAndRead(new StreamDelta(0, "", []), 1).Event;

        Assert.True(read.Parts.IsDefault);
        Assert.Empty(read.Tokens);
        Assert.Null(read.Finish);
    }

    [Theory]
    [InlineData("\uD83D")]
    [InlineData("a\uDE00b")]
    [InlineData("😀 \u0000 \u2028 \" \\ \uFFFD")]
    public void TextOfAnyUnits_ComesBackUnitForUnit(string text)
        => Assert.Equal(text.ToCharArray(), ((StreamDelta)WriteAndRead(new StreamDelta(0, text, []), 1).Event).Text.ToCharArray());

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(-0f)]
    [InlineData(-1.1754944E-38f)]
    [InlineData(-0.33333334f)]
    public void LogProbability_ComesBackBitForBit(float logprob)
    {
        var logprobs = new TokenLogprobs(new TokenProbability(1, new byte[] { 0xFF }, logprob), []);
        var read = (StreamDelta)WriteAndRead(new StreamDelta(0, "", [new StreamToken(1, logprobs)]), 1).Event;

        Assert.Equal(BitConverter.SingleToInt32Bits(logprob), BitConverter.SingleToInt32Bits(read.Tokens[0].Logprobs!.Chosen.Logprob));
    }

    [Fact]
    public void Checksum_IsCastagnolis()
    {
        // RFC 3720, appendix B.4.
        Assert.Equal(0x8A9136AAu, Checksum.Of(new byte[32]));
        Assert.Equal(0x46DD794Eu, Checksum.Of([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(Checksum.Of("abcdefghijk"u8), Checksum.Of("defghijk"u8, Checksum.Of("abc"u8)));
    }

    private static (long Number, DateTimeOffset Time, StreamEvent Event) WriteAndRead(StreamEvent streamEvent, long number)
    {
        using var records = new RecordWriter();
        var output = new ArrayBufferWriter<byte>();
        records.Event(output, 3, number, DateTimeOffset.UnixEpoch, streamEvent);
        return RecordReader.Event(output.WrittenSpan);
    }

    private static IEnumerable<Type> Subtypes(Type type) => type.Assembly.GetTypes().Where(candidate => candidate.IsSubclassOf(type) && !candidate.IsAbstract);

    /// <summary>Some value of a type, with everything in it set; several variants differ in everything.</summary>
    private static object? Sample(Type type, int variant)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
        {
            return variant % 2 == 1 ? null : Sample(inner, variant);
        }

        if (type.IsEnum)
        {
            return Enum.GetValues(type).GetValue(variant % Enum.GetValues(type).Length);
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>))
        {
            var element = type.GetGenericArguments()[0];
            var values = Array.CreateInstance(element, variant);
            for (var i = 0; i < variant; i++)
            {
                values.SetValue(Sample(element, variant + i), i);
            }

            return MakeArray.MakeGenericMethod(element).Invoke(null, [values]);
        }

        return type switch
        {
            // The first variant is all nothing: what is left out of the JSON must come back as nothing too.
            _ when type == typeof(string) => variant == 0 ? "" : $"text {variant} 🦊",
            _ when type == typeof(bool) => variant % 2 == 1,
            _ when type == typeof(int) => 17 * variant,
            _ when type == typeof(long) => (long)variant << 40,
            _ when type == typeof(float) => -0.1f * variant,
            _ when type == typeof(double) => -0.1 * variant,
            _ when type == typeof(TimeSpan) => TimeSpan.FromTicks(1234567 * variant),
            _ when type == typeof(DateTimeOffset) => DateTimeOffset.UnixEpoch.AddTicks(123456789 + variant),
            _ when type == typeof(ReadOnlyMemory<byte>) => new ReadOnlyMemory<byte>([(byte)variant, 0xFF]),
            _ when type.IsAbstract => Sample(Subtypes(type).ElementAt(variant % Subtypes(type).Count()), variant),
            _ => SampleObject(type, variant),
        };
    }

    private static object SampleObject(Type type, int variant)
    {
        Assert.True(type.Assembly == typeof(StreamEvent).Assembly, $"The test makes no {type}: teach it.");
        var constructor = type.GetConstructors().Where(candidate => candidate.GetParameters() is not [var only] || only.ParameterType != type).MaxBy(candidate => candidate.GetParameters().Length);
        var value = constructor is null ? Activator.CreateInstance(type)! : constructor.Invoke([.. constructor.GetParameters().Select(parameter => Sample(parameter.ParameterType, variant))]);
        foreach (var property in type.GetProperties().Where(property => property.CanWrite))
        {
            property.SetValue(value, Sample(property.PropertyType, variant));
        }

        return value;
    }

    private static void AssertSame(object? expected, object? actual, string path)
    {
        Assert.True(expected?.GetType() == actual?.GetType(), $"{path} is {actual?.GetType().Name ?? "null"} instead of {expected?.GetType().Name ?? "null"}.");
        switch (expected)
        {
            case null:
                break;
            case ReadOnlyMemory<byte> bytes:
                Assert.Equal(bytes.ToArray(), ((ReadOnlyMemory<byte>)actual!).ToArray());
                break;
            case IList list:
                var others = (IList)actual!;
                Assert.Equal(list.Count, others.Count);
                for (var i = 0; i < list.Count; i++)
                {
                    AssertSame(list[i], others[i], $"{path}[{i}]");
                }

                break;
            case not string when expected.GetType().Assembly == typeof(StreamEvent).Assembly && !expected.GetType().IsEnum:
                foreach (var property in expected.GetType().GetProperties().Where(property => property.CanWrite))
                {
                    AssertSame(property.GetValue(expected), property.GetValue(actual), $"{path}.{property.Name}");
                }

                break;
            default:
                Assert.True(expected.Equals(actual), $"{path} is {actual} instead of {expected}.");
                break;
        }
    }
}
