using Sluice.Streams;

namespace Sluice.Server.Tests.Access.Limits;

public sealed class MeterTests
{
    public static TheoryData<Type> WritersBeforeWriters => [.. typeof(SluiceApplication).Assembly.GetTypes().Where(static type => type is { IsClass: true } && type.IsAssignableTo(typeof(IStreamWriter)))];

    // The interface's own answers would be given in place of the stream's, and nobody would notice.
    [Theory]
    [MemberData(nameof(WritersBeforeWriters))]
    public void WriterBeforeAWriter_AnswersEveryQuestionItself(Type writer)
        => Assert.All(writer.GetInterfaceMap(typeof(IStreamWriter)).TargetMethods, method => Assert.False(method.DeclaringType!.IsInterface, $"{writer.Name} does not pass {method.Name} on."));
}
