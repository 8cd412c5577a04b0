using System.Buffers.Binary;
using Google.Protobuf;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.OpenInference.Wire;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;
using InputTensor = Sluice.Server.Protocols.Grpc.OpenInference.Wire.ModelInferRequest.Types.InferInputTensor;

namespace Sluice.Server.Tests.Protocols.Grpc;

public sealed class OpenInferenceTests : IAsyncDisposable
{
    private const string Service = "inference.GRPCInferenceService/";

    private readonly ScriptedEngine _engine = new();
    private TestServer? _server;

    [Fact]
    public async Task Infer_AnswersInOnePiece()
    {
        using var call = await CallAsync("ModelInfer", Ask("7"));
        var stream = await _engine.NextAsync();
        stream.Say("Hi ");
        stream.Say("there");
        stream.Finish(FinishReason.Length);
        var answer = await call.ReadAsync(ModelInferResponse.Parser);

        Assert.Equal([ByteTokenizer.Bos, 'H', 'i'], stream.Request.Prompt);
        Assert.Equal(("scripted", "7"), (answer.ModelName, answer.Id));
        Assert.Equal("Hi there", answer.Outputs.Single().Contents.BytesContents.Single().ToStringUtf8());
        Assert.Equal("length", answer.Parameters["finish_reason"].StringParam);
        Assert.Equal(8, answer.Parameters["completion_tokens"].Int64Param);
        Assert.Equal(await call.MetadataAsync("sluice-stream"), answer.Parameters["sluice_stream"].StringParam);
        Assert.Equal(GrpcCode.Ok, (await call.StatusAsync()).Code);
    }

    [Fact]
    public async Task Parameters_ComeInEveryWayThatClientsSendThem()
    {
        var request = Ask("1");
        request.Parameters["max_tokens"] = new InferParameter { Int64Param = 5 };
        request.Parameters["temperature"] = new InferParameter { StringParam = "0.5" };
        request.Parameters["top_p"] = new InferParameter { DoubleParam = 0.9 };
        request.Parameters["seed"] = new InferParameter { Uint64Param = ulong.MaxValue };
        request.Parameters["stop"] = new InferParameter { StringParam = "12" };
        request.Parameters["ignore_eos"] = new InferParameter { BoolParam = true };
        request.Parameters["priority"] = new InferParameter { Int64Param = 3 };
        request.Inputs.Add(new InputTensor { Name = "sampling_parameters", Datatype = "BYTES", Shape = { 1 }, Contents = Bytes("""{"top_k":"40","presence_penalty":1}""") });
        request.Inputs.Add(new InputTensor { Name = "min_p", Datatype = "FP32", Shape = { 1, 1 }, Contents = new InferTensorContents { Fp32Contents = { 0.25f } } });
        request.Inputs.Add(new InputTensor { Name = "stream", Datatype = "BOOL", Shape = { 1 }, Contents = new InferTensorContents { BoolContents = { true } } });
        request.Inputs.Add(new InputTensor { Name = "exclude_input_in_output", Datatype = "BOOL", Contents = new InferTensorContents { BoolContents = { false } } });
        using var call = await CallAsync("ModelInfer", request);
        var asked = (await _engine.NextAsync()).Request;

        Assert.Equal((5, true, true), (asked.MaxTokens, asked.IgnoreEos, asked.EchoPrompt));
        Assert.Equal(["12"], asked.Stop);
        Assert.Equal(
            (0.5f, 0.9f, ulong.MaxValue, 40, 1f, 0.25f),
            (asked.Sampling.Temperature, asked.Sampling.TopP, asked.Sampling.Seed, asked.Sampling.TopK, asked.Sampling.PresencePenalty, asked.Sampling.MinP));
    }

    [Fact]
    public async Task RawContents_ComeBackRaw()
    {
        var request = new ModelInferRequest
        {
            Inputs =
            {
                new InputTensor { Name = "text_input", Datatype = "BYTES", Shape = { 1 } },
                new InputTensor { Name = "max_tokens", Datatype = "INT32", Shape = { 1 } },
            },
            RawInputContents = { ByteString.CopyFrom([2, 0, 0, 0, (byte)'H', (byte)'i']), ByteString.CopyFrom([9, 0, 0, 0]) },
        };
        using var call = await CallAsync("ModelInfer", request);
        var stream = await _engine.NextAsync();
        stream.Say("ü");
        stream.Finish();
        var answer = await call.ReadAsync(ModelInferResponse.Parser);
        var raw = answer.RawOutputContents.Single();

        Assert.Equal(9, stream.Request.MaxTokens);
        Assert.Null(answer.Outputs.Single().Contents);
        Assert.Equal(2, BinaryPrimitives.ReadInt32LittleEndian(raw.Span));
        Assert.Equal("ü", System.Text.Encoding.UTF8.GetString(raw.Span[4..]));
    }

    [Fact]
    public async Task Streams_RunSideBySideAndEndWithTheFinalResponse()
    {
        using var call = await OpenAsync("ModelStreamInfer");
        await call.WriteAsync(Ask("a"));
        var a = await _engine.NextAsync();
        await call.WriteAsync(Ask("b"));
        var b = await _engine.NextAsync();
        b.Say("B");
        Assert.Equal(("b", "B", false), Told(await call.ReadAsync(ModelStreamInferResponse.Parser)));
        a.Say("A");
        Assert.Equal(("a", "A", false), Told(await call.ReadAsync(ModelStreamInferResponse.Parser)));
        await call.WriteAsync(new ModelInferRequest { Id = "bad" });
        var bad = await call.ReadAsync(ModelStreamInferResponse.Parser);
        Assert.Equal("bad", bad.InferResponse.Id);
        Assert.Contains("text_input is missing", bad.ErrorMessage, StringComparison.Ordinal);
        a.Fail("engine_fault", "It broke.");
        var failed = await call.ReadAsync(ModelStreamInferResponse.Parser);
        Assert.Equal(("a", "It broke.", true), (failed.InferResponse.Id, failed.ErrorMessage, failed.InferResponse.Parameters["triton_final_response"].BoolParam));
        call.Complete();
        b.Finish();
        var final = await call.ReadAsync(ModelStreamInferResponse.Parser);
        Assert.Equal(("b", "", true), Told(final));
        Assert.Equal("stop", final.InferResponse.Parameters["finish_reason"].StringParam);
        Assert.Equal(GrpcCode.Ok, (await call.StatusAsync()).Code);
    }

    [Fact]
    public async Task CancelledCall_StopsItsGenerations()
    {
        using var call = await OpenAsync("ModelStreamInfer");
        await call.WriteAsync(Ask("a"));
        var stream = await _engine.NextAsync();
        stream.Say("A");
        await call.ReadAsync(ModelStreamInferResponse.Parser);
        await call.CancelAsync();
        await stream.Stopped;
    }

    [Theory]
    [InlineData("model", GrpcCode.NotFound)]
    [InlineData("output", GrpcCode.InvalidArgument)]
    [InlineData("shape", GrpcCode.InvalidArgument)]
    [InlineData("type", GrpcCode.InvalidArgument)]
    [InlineData("utf8", GrpcCode.InvalidArgument)]
    [InlineData("raw", GrpcCode.InvalidArgument)]
    [InlineData("sampling", GrpcCode.InvalidArgument)]
    [InlineData("value", GrpcCode.InvalidArgument)]
    [InlineData("word", GrpcCode.InvalidArgument)]
    internal async Task RequestThatCannotBe_IsRefused(string what, GrpcCode code)
    {
        var request = Ask("1");
        switch (what)
        {
            case "model":
                request.ModelName = "other";
                break;
            case "output":
                request.Outputs.Add(new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "logits" });
                break;
            case "shape":
                request.Inputs[0].Shape[0] = 2;
                break;
            case "type":
                request.Inputs[0].Datatype = "FP32";
                break;
            case "utf8":
                request.Inputs[0].Contents.BytesContents[0] = ByteString.CopyFrom([0xFF]);
                break;
            case "raw":
                request.RawInputContents.Add(ByteString.CopyFrom([9, 0, 0, 0, 1]));
                break;
            case "sampling":
                request.Inputs.Add(new InputTensor { Name = "sampling_parameters", Datatype = "BYTES", Shape = { 1 }, Contents = Bytes("[") });
                break;
            case "value":
                request.Parameters["temperature"] = new InferParameter { Int64Param = -1 };
                break;
            default:
                request.Parameters["max_tokens"] = new InferParameter { StringParam = "many" };
                break;
        }

        using var call = await CallAsync("ModelInfer", request);
        var status = await call.StatusAsync();
        Assert.Equal(code, status.Code);
        Assert.NotEqual("", status.Message);
    }

    [Fact]
    public async Task Metadata_NamesTheTensors()
    {
        using var call = await CallAsync("ModelMetadata", new ModelMetadataRequest { Name = "scripted" });
        var model = await call.ReadAsync(ModelMetadataResponse.Parser);
        using var ready = await CallAsync("ModelReady", new ModelReadyRequest { Name = "scripted" });
        using var other = await CallAsync("ModelReady", new ModelReadyRequest { Name = "other" });
        using var server = await CallAsync("ServerMetadata", new ServerMetadataRequest());

        Assert.Equal(("text_input", "text_output"), (model.Inputs.Single().Name, model.Outputs.Single().Name));
        Assert.True((await ready.ReadAsync(ModelReadyResponse.Parser)).Ready);
        Assert.False((await other.ReadAsync(ModelReadyResponse.Parser)).Ready);
        Assert.Equal("sluice", (await server.ReadAsync(ServerMetadataResponse.Parser)).Name);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    private static ModelInferRequest Ask(string id) => new()
    {
        ModelName = "scripted",
        Id = id,
        Inputs = { new InputTensor { Name = "text_input", Datatype = "BYTES", Shape = { 1 }, Contents = Bytes("Hi") } },
    };

    private static InferTensorContents Bytes(string text) => new() { BytesContents = { ByteString.CopyFromUtf8(text) } };

    private static (string Id, string Text, bool IsFinal) Told(ModelStreamInferResponse response)
    {
        Assert.Equal("", response.ErrorMessage);
        var told = response.InferResponse;
        return (told.Id, told.Outputs.Single().Contents.BytesContents.Single().ToStringUtf8(), told.Parameters["triton_final_response"].BoolParam);
    }

    private async Task<TestCall> OpenAsync(string method)
    {
        _server ??= await TestServer.StartAsync(_engine);
        return new TestCall(_server, Service + method);
    }

    private async Task<TestCall> CallAsync(string method, IMessage request)
    {
        var call = await OpenAsync(method);
        await call.WriteAsync(request);
        call.Complete();
        return call;
    }
}
